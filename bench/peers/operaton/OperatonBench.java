import java.io.FileInputStream;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.operaton.bpm.engine.ProcessEngine;
import org.operaton.bpm.engine.RuntimeService;
import org.operaton.bpm.engine.delegate.JavaDelegate;
import org.operaton.bpm.engine.impl.cfg.StandaloneProcessEngineConfiguration;

/**
 * W1 on the embedded engine of Operaton with its full history, one commit for each instance: some threads, then one.
 *
 * <p>OperatonBench JDBC-URL BPMN-FILE WARM-UP-INSTANCES SECONDS
 */
public class OperatonBench {
  static final int MANY = 4;

  public static void main(String[] given) throws Exception {
    long warmUp = Long.parseLong(given[2]);
    double seconds = Double.parseDouble(given[3]);
    ProcessEngine engine = engine(given[0]);
    try (InputStream file = new FileInputStream(given[1])) {
      engine.getRepositoryService().createDeployment().addInputStream("w1.bpmn", file).deploy();
    }
    long started = 0;
    while (started < warmUp) { // counted in instances: Java compiles what ran often enough, however long that takes
      started += run(engine, MANY, 1.0).instances;
    }
    for (int threads : new int[] {MANY, 1}) {
      Run run = run(engine, threads, seconds);
      started += run.instances;
      System.out.printf(
          Locale.ROOT,
          "{\"name\": \"operaton.w1.postgres.%d\", \"value\": %.1f, \"unit\": \"inst/s\", \"cpu_us\": %.1f}%n",
          threads,
          run.instances / run.seconds,
          run.cpuMicros / run.instances);
    }
    long finished = engine.getHistoryService().createHistoricProcessInstanceQuery().finished().count();
    if (finished != started) {
      throw new IllegalStateException(started + " instances were started, " + finished + " are finished in the history");
    }
    engine.close();
  }

  static ProcessEngine engine(String url) {
    StandaloneProcessEngineConfiguration configuration = new StandaloneProcessEngineConfiguration();
    configuration.setJdbcUrl(url);
    configuration.setJdbcDriver("org.postgresql.Driver");
    configuration.setJdbcMaxActiveConnections(MANY + 2);
    configuration.setJdbcMaxIdleConnections(MANY + 2);
    configuration.setDatabaseSchemaUpdate("true");
    configuration.setHistory("full");
    // nothing here waits for a job, and neither counters nor the clean-up of the history are asked for
    configuration.setJobExecutorActivate(false);
    configuration.setMetricsEnabled(false);
    configuration.setEnforceHistoryTimeToLive(false);
    JavaDelegate increase = execution -> execution.setVariable("x", (Integer) execution.getVariable("x") + 1);
    configuration.setBeans(Map.of("set_x", increase));
    return configuration.buildProcessEngine();
  }

  record Run(long instances, double seconds, double cpuMicros) {}

  /** Each thread starts an instance when its last one is finished. */
  static Run run(ProcessEngine engine, int threads, double seconds) throws Exception {
    RuntimeService runtime = engine.getRuntimeService();
    long begin = System.nanoTime();
    long end = begin + (long) (seconds * 1e9);
    long cpu = cpuNanos();
    Callable<Long> starts =
        () -> {
          long done = 0;
          while (System.nanoTime() < end) {
            if (!runtime.startProcessInstanceByKey("w1", Map.of("x", 0)).isEnded()) {
              throw new IllegalStateException("an instance waits");
            }
            done++;
          }
          return done;
        };
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Long>> running = new ArrayList<>();
      for (int number = 0; number < threads; number++) {
        running.add(pool.submit(starts));
      }
      long instances = 0;
      for (Future<Long> each : running) {
        instances += each.get();
      }
      return new Run(instances, (System.nanoTime() - begin) / 1e9, (cpuNanos() - cpu) / 1e3);
    } finally {
      pool.shutdownNow();
    }
  }

  static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }
}
