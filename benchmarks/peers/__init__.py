"""The servers that are measured beside Rowsmith's, each written as its own documentation does."""
