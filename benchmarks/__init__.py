"""What hashmatch costs, beside its peers, in runs that anyone can repeat."""
