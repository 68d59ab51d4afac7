"""The only importer of Kopf: watches in, the source's put and gone out."""
