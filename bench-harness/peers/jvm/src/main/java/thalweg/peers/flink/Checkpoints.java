package thalweg.peers.flink;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** The folder of this process's checkpoints: temporary, and deleted at the end. */
final class Checkpoints {
    private static Path folder;

    private Checkpoints() {}

    static synchronized Path folder() {
        try {
            if (folder == null) {
                folder = Files.createTempDirectory("thalweg-flink-checkpoints");
            }
            return folder;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Deletes it. */
    static synchronized void delete() throws IOException {
        if (folder != null) {
            try (Stream<Path> paths = Files.walk(folder)) {
                paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
            }
        }
    }
}
