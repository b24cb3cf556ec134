"""What the API and the numbers mean: OpenAPI, Swagger UI, metric definitions, help for each platform."""
