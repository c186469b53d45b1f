public enum HarnessModule {}
