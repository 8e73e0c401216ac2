package thalweg.peers.flink.type;

import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import thalweg.peers.input.Ad;
import thalweg.peers.input.Auction;
import thalweg.peers.input.Bid;
import thalweg.peers.input.Event;
import thalweg.peers.input.Number;
import thalweg.peers.input.Person;
import thalweg.peers.input.Visit;
import thalweg.peers.input.Wide;

/** How records are serialised. */
public final class Records {
    private static final Map<Class<?>, TypeSerializer<?>> HAND_WRITTEN = Map.ofEntries(
            Map.entry(Ad.class, AdSerializer.INSTANCE),
            Map.entry(Auction.class, AuctionSerializer.INSTANCE),
            Map.entry(Bid.class, BidSerializer.INSTANCE),
            Map.entry(Event.class, EventSerializer.INSTANCE),
            Map.entry(Number.class, NumberSerializer.INSTANCE),
            Map.entry(Pair.class, PairSerializer.INSTANCE),
            Map.entry(Person.class, PersonSerializer.INSTANCE),
            Map.entry(Totals.class, TotalsSerializer.INSTANCE),
            Map.entry(Visit.class, VisitSerializer.INSTANCE),
            Map.entry(Word.class, WordSerializer.INSTANCE),
            Map.entry(Wide.class, WideSerializer.INSTANCE));

    private Records() {}

    /** By a serialiser written by hand, or as Flink serialises a plain class. */
    @SuppressWarnings("unchecked")
    public static <T> TypeInformation<T> type(Class<T> record, boolean handWritten) {
        TypeSerializer<T> serializer = (TypeSerializer<T>) HAND_WRITTEN.get(record);
        return handWritten && serializer != null ? new FlatType<>(record, serializer) : TypeInformation.of(record);
    }
}
