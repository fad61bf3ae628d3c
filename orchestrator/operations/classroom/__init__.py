"""A class: its seats, the board of the teacher, and the results that are collected afterwards."""
