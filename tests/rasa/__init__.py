"""Tests of what the operator says to model servers and Rasa servers, on real sockets."""
