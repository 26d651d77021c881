"""Costs to plant: a gather whose every cost is plain, and the lines that make it dearer."""
