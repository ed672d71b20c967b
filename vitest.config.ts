import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "ui/src/**/*.test.ts", "test/**/*.test.ts"],
    // PostgreSQL, Redis and NATS: started when the first test asks for them, and stopped
    globalSetup: ["test/support/globalServices.ts"],
    testTimeout: 30_000,
    // two cores: one worker leaves the other to the browser and the stores
    maxWorkers: 2
  }
})
