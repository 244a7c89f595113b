"""The gRPC service: `app` composes and runs one process of it, `supervisor` several."""
