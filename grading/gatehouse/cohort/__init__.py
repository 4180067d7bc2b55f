"""Grading a class: many submissions, on one machine or on a cluster."""
