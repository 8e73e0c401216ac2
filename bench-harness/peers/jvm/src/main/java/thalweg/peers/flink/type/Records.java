package thalweg.peers.flink.type;

import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import thalweg.peers.input.Ad;
import thalweg.peers.input.Event;
import thalweg.peers.input.Number;
import thalweg.peers.input.Visit;
import thalweg.peers.input.Wide;

/** How records are serialised. */
public final class Records {
    private static final Map<Class<?>, TypeSerializer<?>> HAND_WRITTEN = Map.of(
            Ad.class, AdSerializer.INSTANCE,
            Event.class, EventSerializer.INSTANCE,
            Number.class, NumberSerializer.INSTANCE,
            Pair.class, PairSerializer.INSTANCE,
            Totals.class, TotalsSerializer.INSTANCE,
            Visit.class, VisitSerializer.INSTANCE,
            Word.class, WordSerializer.INSTANCE,
            Wide.class, WideSerializer.INSTANCE);

    private Records() {}

    /** By a serialiser written by hand, or as Flink serialises a plain class. */
    @SuppressWarnings("unchecked")
    public static <T> TypeInformation<T> type(Class<T> record, boolean handWritten) {
        TypeSerializer<T> serializer = (TypeSerializer<T>) HAND_WRITTEN.get(record);
        return handWritten && serializer != null ? new FlatType<>(record, serializer) : TypeInformation.of(record);
    }
}
