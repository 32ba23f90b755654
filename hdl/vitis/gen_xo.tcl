# Packages a kernel of `hdl/` as an .xo, which `v++ --link` builds into the image of a card.
#
#   vivado -mode batch -source hdl/vitis/gen_xo.tcl -tclargs KERNEL [WIDTH [FOLDER]]
#
#   KERNEL  tcp_validator or tcp_queue
#   WIDTH   data bits of the memory ports: 128, 256 or 512, the default; tcp_queue has 512 alone
#   FOLDER  where it works, and leaves KERNEL-WIDTH.xo; by default where it is started
#
# Nothing is described twice: sources are those of `hdl/KERNEL.f`, ports, arguments and the control protocol those
# of the kernel's XML, both as simulated cards are built from. The IP's register map is made from them.

proc fail {problem} { error "gen_xo.tcl: $problem" }

if {[llength $argv] < 1 || [llength $argv] > 3} { fail "say -tclargs KERNEL \[WIDTH \[FOLDER\]\]" }
lassign $argv kernel width folder
if {$width eq ""} { set width 512 }
if {$folder eq ""} { set folder [pwd] }

set hdl [file dirname [file dirname [file normalize [info script]]]]
switch -- $kernel {
    tcp_validator { set widths {128 256 512}; set description $hdl/kernel.xml }
    tcp_queue { set widths 512; set description $hdl/kernel_queue.xml }
    default { fail "there is no kernel \"$kernel\": say tcp_validator or tcp_queue" }
}
if {$width ni $widths} { fail "$kernel has no width of \"$width\" bits: say [join $widths {, }]" }

# What the kernel's XML and file list say.

proc text {path} {
    set channel [open $path r]
    set text [read $channel]
    close $channel
    return $text
}
proc elements {xml tag} { regexp -all -inline "<$tag\\s\[^>\]*>" $xml }
proc attribute {element name} {
    if {![regexp "\\s$name=\"(\[^\"\]*)\"" $element -> value]} { fail "no attribute $name in $element" }
    return $value
}

set xml [text $description]
# The XML is written for 512 bits; only the masters' width depends on it.
foreach port [elements $xml port] {
    if {[attribute $port mode] ne "master"} continue
    set fitting [string map [list "dataWidth=\"[attribute $port dataWidth]\"" "dataWidth=\"$width\""] $port]
    set xml [string map [list $port $fitting] $xml]
}
set root [lindex [elements $xml kernel] 0]
lassign [split [attribute $root vlnv] :] vendor library name version
set protocol [attribute $root hwControlProtocol]

set sources {}
foreach line [split [text $hdl/$kernel.f] \n] {
    if {[string trim $line] ne ""} { lappend sources $hdl/[string trim $line] }
}

# The project that the IP is packaged from.

set work $folder/$kernel-$width
set ip $work/ip
file delete -force $work
file mkdir $work
create_project -force package $work/project
add_files -norecurse $sources
set_property top $kernel [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir $ip -vendor $vendor -library $library -taxonomy /KernelIP -import_files -force
set core [ipx::current_core]
set_property name $name $core
set_property version $version $core

# The width is the kernel's own: a packaged one has no parameter left to set.
if {[llength $widths] > 1} {
    set_property value $width [ipx::get_user_parameters DATA_WIDTH -of_objects $core]
    set_property value $width [ipx::get_hdl_parameters DATA_WIDTH -of_objects $core]
    ipx::remove_user_parameter DATA_WIDTH $core
}

# Buses. Vivado finds the AXI ports by their signals' names, and is told of the rest where it does not.

proc infer {port type} {
    upvar #0 core core
    if {[ipx::get_bus_interfaces $port -of_objects $core] eq ""} { ipx::infer_bus_interface $port $type $core }
}
infer ap_clk xilinx.com:signal:clock_rtl:1.0
infer ap_rst_n xilinx.com:signal:reset_rtl:1.0
infer interrupt xilinx.com:signal:interrupt_rtl:1.0
foreach port [elements $xml port] {
    ipx::associate_bus_interfaces -busif [attribute $port name] -clock ap_clk $core
}
ipx::associate_bus_interfaces -clock ap_clk -reset ap_rst_n $core
# Any frequency that the platform has: v++ chooses.
set tolerance [ipx::add_bus_parameter FREQ_TOLERANCE_HZ [ipx::get_bus_interfaces ap_clk -of_objects $core]]
set_property value -1 $tolerance

# No Vitis platform has a master for the push window: its inputs rest at 0, and the rings need nothing of it.
if {$kernel eq "tcp_queue"} {
    ipx::remove_bus_interface s_axi_push $core
    foreach port [ipx::get_ports s_axi_push_* -of_objects $core] {
        if {[get_property direction $port] eq "in"} { set_property driver_value 0 $port }
    }
}

# Registers. What v++ connects to a memory, it knows by the register with the master's name.

set map [ipx::add_memory_map -quiet s_axi_control $core]
set block [ipx::add_address_block -quiet reg0 $map]
foreach port [elements $xml port] {
    if {[attribute $port mode] eq "slave"} { set_property range [expr {[attribute $port range]}] $block }
}
set_property slave_memory_map_ref s_axi_control [ipx::get_bus_interfaces s_axi_control -of_objects $core]

proc register {name offset bits {master ""}} {
    upvar #0 block block
    set register [ipx::add_register -quiet $name $block]
    set_property address_offset $offset $register
    set_property size $bits $register
    if {$master ne ""} {
        set_property value $master [ipx::add_register_parameter -quiet ASSOCIATED_BUSIF $register]
    }
    return $register
}
if {$protocol eq "ap_ctrl_hs"} {
    set control [register CTRL 0x000 32]
    foreach {field bit} {AP_START 0 AP_DONE 1 AP_IDLE 2 AP_READY 3 AUTO_RESTART 7} {
        set field [ipx::add_field -quiet $field $control]
        set_property bit_offset $bit $field
        set_property bit_width 1 $field
    }
    register GIER 0x004 32
    register IP_IER 0x008 32
    register IP_ISR 0x00C 32
}
foreach argument [elements $xml arg] {
    set port [attribute $argument port]
    set master [expr {[attribute $argument addressQualifier] == 1 ? $port : ""}]
    register [attribute $argument name] [attribute $argument offset] [expr {8 * [attribute $argument size]}] $master
}

# The kernel.

set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property vitis_drc [list ctrl_protocol $protocol] $core
set_property ipi_drc {ignore_freq_hz true} $core
set_property supported_families {} $core
set_property auto_family_support_level level_2 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity -kernel $core
ipx::save_core $core
close_project -delete

set channel [open $work/kernel.xml w]
puts -nonewline $channel $xml
close $channel
package_xo -force -xo_path $folder/$kernel-$width.xo -kernel_name $kernel -ip_directory $ip \
    -kernel_xml $work/kernel.xml -ctrl_protocol $protocol
puts "$folder/$kernel-$width.xo"
