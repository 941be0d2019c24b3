"""The rule language of `checks`, stage by stage.

`reader` turns text into the syntax tree of `syntax`, `checker` that into the typed tree of `tree`, and `to_sql` and `to_python` write
it. Callers use `generator.expressions`.
"""
