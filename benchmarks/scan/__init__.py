"""Simulators and contenders of the scan benchmark."""
