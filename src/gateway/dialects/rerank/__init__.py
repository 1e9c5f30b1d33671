"""The dialect of reranking: documents, sorted by how well they fit a query."""
