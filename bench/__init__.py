"""How much of a bare server's speed the generated application keeps: `make bench`, explained in `bench/__main__.py`."""
