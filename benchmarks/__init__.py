"""How fast the generated application is, beside the least that could answer and beside its peers: `make bench`."""
