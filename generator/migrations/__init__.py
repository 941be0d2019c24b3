"""From a difference of two schemas to a reviewed revision: what the database has, what has to change, and how that is done safely."""
