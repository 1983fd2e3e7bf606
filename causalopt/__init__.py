"""Which part of a system is steering which other part, where to, and how strongly?"""
