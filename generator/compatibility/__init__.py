"""What a change of specs does to the clients of the API: both versions, flattened to what a client can see, are compared rule by rule."""
