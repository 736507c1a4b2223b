"""Simulators of a plant file, run by the node: their ports, their processes, what they say."""
