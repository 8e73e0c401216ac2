package thalweg.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import thalweg.peers.answer.Answer;
import thalweg.peers.answer.TextColumn;
import thalweg.peers.input.Draw;
import thalweg.peers.input.Mix;

class AnswerTest {
    /** The first outputs of SplitMix64 with the seed 0, as published; and draws below a bound, of bits with either sign. */
    @Test
    void drawsAreMixedAndBelowTheirBound() {
        assertEquals(0xe220a8397b1dcdafL, Mix.mix(0));
        assertEquals(0x6e789e6aa1b965f4L, Mix.mix(0x9e3779b97f4a7c15L));
        Draw draw = new Draw(42, 0);
        for (long i = 0; i < 1_000; i++) {
            BigInteger bits = new BigInteger(Long.toUnsignedString(draw.bits(i)));
            assertEquals(bits.multiply(BigInteger.valueOf(10_000)).shiftRight(64).longValue(), draw.below(i, 10_000));
        }
    }

    @Test
    void answersKnowNoOrderButEveryColumn() {
        Answer a = new Answer();
        a.add(1, 2);
        a.add(3, 4);
        Answer b = new Answer();
        b.add(new long[] {3, 4});
        b.add(new long[] {5, 6});
        b.add(new long[] {1, 2});
        b.remove(new long[] {5, 6});
        assertEquals(a.checksum(), b.checksum());
        assertEquals(a.rows(), b.rows());
        Answer c = new Answer();
        c.add(1, 4);
        c.add(3, 2);
        assertNotEquals(a.checksum(), c.checksum());
    }

    /** Every length takes another path; a changed byte changes the number. */
    @Test
    void everyByteOfATextCounts() {
        Set<Long> seen = new HashSet<>();
        Draw letters = new Draw(1, 1);
        for (int length = 0; length < 700; length++) {
            byte[] text = new byte[length + 2];
            for (int place = 0; place < text.length; place++) {
                text[place] = (byte) letters.bits(1_000L * length + place);
            }
            assertTrue(length < 3 || seen.add(TextColumn.of(text, 1, length)), "length " + length);
            for (int place = 0; length >= 3 && place < length; place += 13) {
                text[place + 1] ^= 1;
                assertTrue(seen.add(TextColumn.of(text, 1, length)), "length " + length + ", place " + place);
                text[place + 1] ^= 1;
            }
        }
    }
}
