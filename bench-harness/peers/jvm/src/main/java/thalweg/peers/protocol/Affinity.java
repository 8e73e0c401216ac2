package thalweg.peers.protocol;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** Keeps the process on the cores that it may use. */
public final class Affinity {
    private Affinity() {}

    /**
     * Moves all threads of this process to {@code cores}; threads that they start stay there. Java cannot do it by itself: the tool
     * {@code taskset} (util-linux) does.
     *
     * @throws Refused if there is no such tool, since the run would then use more than it may
     */
    public static void pin(List<Integer> cores) throws Refused, InterruptedException {
        if (cores.isEmpty()) {
            return;
        }
        String list = cores.stream().map(String::valueOf).collect(Collectors.joining(","));
        String process = Long.toString(ProcessHandle.current().pid());
        try {
            Process taskset = new ProcessBuilder("taskset", "-a", "-c", "-p", list, process)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            // It fails if a thread ended meanwhile; then all that are left were moved.
            taskset.waitFor();
        } catch (IOException absent) {
            throw new Refused("there is no `taskset` to keep the JVM on its cores: install util-linux");
        }
    }
}
