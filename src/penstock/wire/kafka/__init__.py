"""The Kafka protocol: messages as kio describes them, one file an API, sans-IO."""
