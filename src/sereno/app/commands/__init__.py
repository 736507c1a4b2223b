"""The built-in commands of the CLI, one file a family; registered as entry points like everyone else's."""
