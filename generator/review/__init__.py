"""What `rowsmith plan` says about an edit of the specs: to clients, to the database and to the code, and how it is printed."""
