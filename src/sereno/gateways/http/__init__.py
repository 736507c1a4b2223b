"""The http server: the values of a PLC for its fleet's watchdog, with the endpoints of small gateway computers."""
