"""What to render where, with which names, types, literals and imports: the views that the templates lay out."""
