"""`python -m hashmatch.cli`, for where the `hashmatch` script is not on the path."""

from hashmatch.cli.main import main

main()
