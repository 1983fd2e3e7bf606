"""Probabilities of the nodes of finite worlds: conditioned, intervened upon, decided; exactly."""
