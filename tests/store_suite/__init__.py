"""What every database behind the store must do alike: one suite, run for each kind of database."""
