"""Exchanges: the hash lists of other organisations, fetched into banks through the threatexchange library.

`fetching` is one fetch from beginning to end, `apis` the interfaces; each of these is one module that knows one
service. Needs the extra `exchanges`.

A page of news and the checkpoint after it are one transaction, so that a fetch may be killed anywhere; of two fetches
the later goes on. A record of an exchange is the entries of its bank with its source and the record's name as content
id, and no other mapping is kept. Secrets are read where they are used, and taken out of all that libraries say.
"""

from hashmatch.exchange.apis import API_NAMES, Api, api_named
from hashmatch.exchange.credentials import Secret
from hashmatch.exchange.fetching import Fetch

__all__ = ["API_NAMES", "Api", "Fetch", "Secret", "api_named"]
