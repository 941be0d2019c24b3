"""The entity-relationship diagram of a schema."""
