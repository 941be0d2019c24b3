"""The rules of the spec language, one module a subject. `generator.validate` applies them all."""
