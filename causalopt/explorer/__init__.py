"""A page in the browser that asks a model: its graph, the three worlds, the measures, moving."""
