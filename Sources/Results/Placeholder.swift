public enum ResultsModule {}
