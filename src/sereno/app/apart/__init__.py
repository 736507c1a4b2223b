"""Agents in processes of their own: started by the node, mirrored in it, killed when they hang."""
