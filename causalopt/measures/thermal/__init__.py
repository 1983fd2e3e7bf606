"""Measures at a temperature: free energy, heat capacity, distance from equilibrium."""
