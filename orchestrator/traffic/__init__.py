"""A streaming library: captured packets to exchanges, exchanges to a story and to observed roles. Pure."""
