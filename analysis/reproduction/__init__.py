"""The reproduction ledger: published rows, our runs beside them, and what was reproduced."""
