"""Who is calling, and the few things that happen to every request."""
