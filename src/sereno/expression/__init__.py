"""The one safe expression language, for interlocks, suppression, alarms and derived tags (docs/expression.md)."""
