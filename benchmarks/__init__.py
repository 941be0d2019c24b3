"""How much of a bare server's speed the generated application keeps: `make bench`, explained in `benchmarks/__main__.py`."""
