"""The served application. It runs without the generator and imports nothing of it."""
