"""`rowsmith audit`: attacks on every operation of an API, made from its specs and sent over HTTP."""
