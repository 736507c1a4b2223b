"""The waterworks: physics of water and chlorine, two PLCs with their own control logic, their registers."""
