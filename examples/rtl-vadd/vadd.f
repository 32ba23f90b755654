// The sources of the kernel; paths are relative to this file.
rtl/control.sv
rtl/bursts.sv
rtl/reader.sv
rtl/writer.sv
rtl/vadd.sv
