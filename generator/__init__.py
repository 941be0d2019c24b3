"""The Rowsmith compiler: resource specs in YAML become a FastAPI backend."""
