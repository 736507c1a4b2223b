"""Agents of a real node that are killed, hung, stopped and started in every order, with the PLC coming and going."""
