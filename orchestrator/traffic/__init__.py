"""Captured packets to exchanges, and exchanges to a story and to observed roles. Pure."""
