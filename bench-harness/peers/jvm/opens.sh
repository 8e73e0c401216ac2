# Sourced: `opens`, the packages of Java's own that Flink reaches into.
#
# What Flink's own start script opens to it on Java 17.
opens=()
for package in lang lang.invoke lang.reflect net io nio text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
    opens+=(--add-opens "java.base/java.$package=ALL-UNNAMED")
done
opens+=(--add-opens java.base/sun.net.util=ALL-UNNAMED --add-exports java.base/sun.net.util=ALL-UNNAMED)
