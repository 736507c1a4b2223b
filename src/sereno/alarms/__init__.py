"""Alarms after ISA-18.2: limits over batches, the state machine, shelving, the journal, figures, notices."""
